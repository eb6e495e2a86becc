/** Who a pool works for over one connection. The owner of the connection makes it: never the caller's own word. */
export interface Caller {
  /** The page's origin as the browser says it, `bridge:ADDRESS`, or `owner` (the person, through the extension's pages or the CLI). Fair shares and uploads go by this. */
  readonly origin: string
  /** Its window is private: of what it does nothing is kept, nor told to who would keep it. */
  readonly isPrivate?: boolean
  /** Refuses a model reference that the caller was not granted, by throwing IPFA_GRANT_REQUIRED. */
  allowModel?(reference: string): void | Promise<void>
  /** As in ModelOwner. */
  readonly lends?: boolean
  readonly limits?: { storeBytes?: number; memoryBytes?: number; concurrentJobs?: number }
  /** Aborts when the caller's right ends (a grant revoked): running jobs end with the signal's reason. */
  readonly revoked?: AbortSignal
}
