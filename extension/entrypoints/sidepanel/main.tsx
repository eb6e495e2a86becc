import { Panel } from "../../ui/panel/panel.tsx"
import { showScreen } from "../../ui/screen.tsx"

showScreen("panelTitle", <Panel />)
