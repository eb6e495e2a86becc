import { Prompt } from "../../ui/prompt.tsx"
import { showScreen } from "../../ui/screen.tsx"

showScreen("promptTitle", <Prompt id={new URLSearchParams(location.search).get("id") ?? ""} />)
