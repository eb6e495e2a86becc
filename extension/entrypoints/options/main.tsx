import { Options } from "../../ui/options.tsx"
import { showScreen } from "../../ui/screen.tsx"

showScreen("optionsTitle", <Options />)
