import { render } from "preact"
import { Prompt } from "../../ui/prompt.tsx"

render(<Prompt id={new URLSearchParams(location.search).get("id") ?? ""} />, document.body)
