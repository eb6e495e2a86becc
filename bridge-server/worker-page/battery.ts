/** The Battery Status API, which Chromium has and Firefox and Safari have not. */
interface BatteryManager extends EventTarget {
  charging: boolean
}

/** Whether the machine runs on battery, as far as the browser tells. */
export class Battery {
  #manager: BatteryManager | undefined

  /** `onChange` is told of each change, and of the first finding. */
  constructor(onChange: () => void) {
    const { getBattery } = navigator as { getBattery?(): Promise<BatteryManager> }
    getBattery?.call(navigator).then(
      (manager) => {
        this.#manager = manager
        manager.addEventListener("chargingchange", onChange)
        onChange()
      },
      () => undefined,
    )
  }

  /** Undefined where the browser does not tell. */
  get inUse(): boolean | undefined {
    return this.#manager && !this.#manager.charging
  }
}
