/** The supervisor lives in a persistent background page here, reached through a SharedWorker: where there are no offscreen documents. */
export const HAS_BACKGROUND_PAGE = import.meta.env.FIREFOX || import.meta.env.SAFARI
