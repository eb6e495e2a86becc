import { findSite, Popup } from "../../ui/popup.tsx"
import { showScreen } from "../../ui/screen.tsx"

showScreen("product", <Popup />)
void findSite()
