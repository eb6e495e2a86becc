/** The parts of the Battery Status and Network Information APIs used here; Firefox and Safari have neither. */
export interface SurroundingsPlatform {
  getBattery?(): Promise<Battery>
  connection?: Connection
}
interface Battery extends Partial<Pick<EventTarget, "addEventListener">> {
  charging: boolean
}
interface Connection extends Partial<Pick<EventTarget, "addEventListener">> {
  saveData?: boolean
  type?: string
}

/** Whether the browser tells at all what its computer runs on, and what its network is like. */
export const tellsPower = ({ getBattery } = navigator as SurroundingsPlatform): boolean => getBattery !== undefined
export const tellsNetwork = ({ connection } = navigator as SurroundingsPlatform): boolean => connection !== undefined

/** What this computer runs on, as far as the browser tells. */
export class Surroundings {
  readonly #connection: Connection
  #battery: Battery | undefined

  /** Called when any of it has changed, or has become known. */
  onChange: () => void = () => undefined

  constructor(platform: SurroundingsPlatform = navigator as SurroundingsPlatform) {
    const changed = () => this.onChange()
    this.#connection = platform.connection ?? {}
    this.#connection.addEventListener?.("change", changed)
    platform.getBattery?.().then(
      (battery) => {
        this.#battery = battery
        battery.addEventListener?.("chargingchange", changed)
        changed()
      },
      () => undefined,
    )
  }

  /** Undefined where the browser does not tell. A computer without a battery is on mains power. */
  get isOnMains(): boolean | undefined {
    return this.#battery?.charging
  }

  /** A mobile network, or one where the person wants data to be saved. */
  get isMetered(): boolean {
    return this.#connection.saveData === true || this.#connection.type === "cellular"
  }
}
