import { showScreen } from "../../ui/screen.tsx"
import { Welcome } from "../../ui/welcome/welcome.tsx"

showScreen("welcomeTitle", <Welcome />)
