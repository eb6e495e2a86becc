import fc from "fast-check"

/**
 * fast-check with one seed for everyone, so that a change is judged by what it changed. `IPFA_SEED=N` (or `random`) tries other cases;
 * a failure names its seed either way.
 */
const asked = process.env.IPFA_SEED
fc.configureGlobal({ seed: asked === "random" ? Date.now() | 0 : Number(asked ?? 20_261_121) })

export default fc
