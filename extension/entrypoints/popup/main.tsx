import { render } from "preact"
import { Popup } from "../../ui/popup.tsx"

render(<Popup />, document.body)
