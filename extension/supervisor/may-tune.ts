/** The parts of the Battery Status and Network Information APIs used here; Firefox and Safari have neither. */
interface PowerNavigator {
  getBattery?(): Promise<{ charging: boolean }>
  connection?: { saveData?: boolean; type?: string }
}

/**
 * Whether devices may now be measured in idle time: where the person wants it, on mains power, as far as the browser tells, and where nothing is
 * to be saved. A browser that does not tell of its power is taken to be on battery.
 */
export function mayTune(wanted: () => boolean, platform: PowerNavigator = navigator as PowerNavigator): () => boolean {
  let battery: { charging: boolean } | undefined
  platform.getBattery?.().then(
    (found) => {
      battery = found
    },
    () => undefined,
  )
  return () => {
    const { saveData, type } = platform.connection ?? {}
    return wanted() && battery?.charging === true && saveData !== true && type !== "cellular"
  }
}
