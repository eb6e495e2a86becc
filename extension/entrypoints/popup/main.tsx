import { Popup } from "../../ui/popup/popup.tsx"
import { findSite } from "../../ui/popup/site-card.tsx"
import { showScreen } from "../../ui/screen.tsx"

showScreen("product", <Popup />)
void findSite()
