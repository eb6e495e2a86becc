import { render } from "preact"
import { Options } from "../../ui/options.tsx"

render(<Options />, document.body)
