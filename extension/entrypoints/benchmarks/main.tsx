import { Benchmarks } from "../../ui/benchmarks/benchmarks.tsx"
import { followResults } from "../../ui/benchmarks/results.ts"
import { showScreen } from "../../ui/screen.tsx"

showScreen("benchmarksTitle", <Benchmarks />)
followResults()
