#!/usr/bin/env node
import { Command, CommanderError } from "commander"
import { VERSION } from "../version.ts"
import { benchCommand } from "./bench.ts"
import { doctorCommand } from "./doctor.ts"
import { kernelsCommand } from "./kernels.ts"
import { modelsCommand } from "./models.ts"
import { installNativeHostCommand, uninstallNativeHostCommand } from "./native-host.ts"
import { pairCommand } from "./pair.ts"
import { printError } from "./print.ts"
import { runCommand } from "./run.ts"
import { serveCommand } from "./serve.ts"
import { serviceCommand } from "./service.ts"
import { statusCommand } from "./status.ts"
import { uninstallCommand } from "./uninstall.ts"

const program = new Command("ipfs-accelerate")
  .description("One address in front of a fleet of browsers and native processes.")
  .version(VERSION)
  .option("--data <dir>", "the bridge-server's data folder (default: this user's, or $IPFA_DATA)")
  .option("--json", "machine-readable answers on stdout")
  .showHelpAfterError()
  .exitOverride()

for (const command of [
  serveCommand,
  runCommand,
  benchCommand,
  modelsCommand,
  kernelsCommand,
  pairCommand,
  statusCommand,
  serviceCommand,
  doctorCommand,
  installNativeHostCommand,
  uninstallNativeHostCommand,
  uninstallCommand,
])
  program.addCommand(withGlobals(command()))

/** The global options are understood after the command's name too, where people write them. */
function withGlobals(command: Command): Command {
  command.exitOverride()
  for (const inner of command.commands) withGlobals(inner)
  if (command.commands.length === 0)
    command
      .option("--data <dir>", "the bridge-server's data folder")
      .option("--json", "machine-readable answers on stdout")
  return command
}

try {
  await program.parseAsync()
} catch (error) {
  // Commander has said already what is wrong with the command line; --help and --version are no errors.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    printError(error, process.argv.includes("--json"))
    process.exitCode = 1
  }
}
