import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type AccelerateError, decodeFrame, encodeFrame } from "../../protocol/index.ts"
import { SharedFolder } from "../../protocol/transports/shared-folder.ts"

const MIB = 2 ** 20

let parent: string
beforeEach(() => {
  parent = mkdtempSync(path.join(tmpdir(), "ipfa shelf "))
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

function pair(isSeen = true): [SharedFolder, SharedFolder] {
  const here = SharedFolder.make(parent, isSeen) as SharedFolder
  return [here, SharedFolder.join(here.dir) as SharedFolder]
}

const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => i * 7)
const refused = (take: () => unknown) => {
  try {
    take()
  } catch (error) {
    return (error as AccelerateError).code
  }
  return "taken"
}

describe("what is put into a shared folder", () => {
  test("is taken by the other end as it was, once, and is gone then", () => {
    const [here, there] = pair()
    for (const [from, to] of [
      [here, there],
      [there, here],
    ] as const) {
      const name = from.put([bytes(3), bytes(5000)]) as string
      expect(readdirSync(here.dir)).toHaveLength(1)
      expect(to.take(name, 5003)).toEqual(new Uint8Array([...bytes(3), ...bytes(5000)]))
      expect(readdirSync(here.dir)).toEqual([])
      expect(refused(() => to.take(name, 5003))).toBe("IPFA_PROTOCOL_MALFORMED")
    }
  })

  test("nobody else may look at", () => {
    const [here] = pair()
    const name = here.put([bytes(8)]) as string
    expect(statSync(here.dir).mode & 0o777).toBe(0o700)
    expect(statSync(path.join(here.dir, name)).mode & 0o777).toBe(0o600)
  })

  test("is nothing until the other end is known to see the folder", () => {
    const [here, there] = pair(false)
    expect(here.put([bytes(8)])).toBeUndefined()
    here.take(there.put([bytes(8)]) as string, 8)
    expect(there.take(here.put([bytes(8)]) as string, 8)).toEqual(bytes(8))
  })

  test("is no more than has room, until the other end has taken some", () => {
    const [here, there] = pair()
    const piece = new Uint8Array(100 * MIB)
    const [first] = [here.put([piece]), here.put([piece])]
    expect(here.put([piece])).toBeUndefined()
    expect(there.take(first as string, piece.byteLength)).toHaveLength(piece.byteLength)
    expect(here.put([piece])).toEqual(expect.any(String))
  })

  test("goes with the folder", () => {
    const [here] = pair()
    here.put([bytes(8)])
    here.remove()
    expect(readdirSync(parent)).toEqual([])
  })
})

describe("a shared folder", () => {
  test("that somebody tidied away takes nothing, and what was to lie there is refused", () => {
    const [here, there] = pair()
    const name = here.put([bytes(8)]) as string
    rmSync(here.dir, { recursive: true })
    expect(here.put([bytes(8)])).toBeUndefined()
    expect(refused(() => there.take(name, 8))).toBe("IPFA_PROTOCOL_MALFORMED")
    expect(SharedFolder.make(here.dir, true)).toBeUndefined()
  })

  test("is not joined where it is not this user's alone, is no folder, or is named by half", () => {
    const [{ dir }] = pair()
    symlinkSync(dir, path.join(parent, "link"))
    writeFileSync(path.join(parent, "file"), "")
    mkdirSync(path.join(parent, "open"))
    chmodSync(path.join(parent, "open"), 0o750)
    for (const name of ["link", "file", "open", "absent"])
      expect(SharedFolder.join(path.join(parent, name)), name).toBeUndefined()
    expect(SharedFolder.join(path.relative(process.cwd(), dir))).toBeUndefined()
  })

  test("gives out nothing but what the other end put there: no other place, link, pipe or size, and waits for none", () => {
    const [here, there] = pair()
    const at = (name: string) => path.join(here.dir, name)
    writeFileSync(path.join(parent, "secret"), "12345678")
    symlinkSync(path.join(parent, "secret"), at("a7"))
    execFileSync("mkfifo", [at("a8")])
    mkdirSync(at("a9"))
    const own = there.put([bytes(8)]) as string
    const name = here.put([bytes(8)]) as string
    for (const [other, size] of [
      ["../secret", 8],
      ["", 8],
      [".", 8],
      ["a7", 8],
      ["a8", 0],
      ["a8", 8],
      ["a9", statSync(at("a9")).size],
      [own, 8],
      [`${name}/`, 8],
      [name, 9],
    ] as const)
      expect(
        refused(() => there.take(other, size)),
        other,
      ).toBe("IPFA_PROTOCOL_MALFORMED")
    expect(readFileSync(path.join(parent, "secret"), "utf8")).toBe("12345678")
    expect(existsSync(at(own))).toBe(true)
  })
})

describe("a frame whose arrays lie on a shelf", () => {
  const large = { x: new Float32Array(100_000).fill(0.5), list: [bytes(200_001)], text: "ä" }

  test("holds only the rest, and gives back the whole", () => {
    const [here, there] = pair()
    const [head, ...others] = encodeFrame(large, here)
    expect(others).toEqual([])
    expect(head?.byteLength).toBeLessThan(500)
    expect(decodeFrame(head as Uint8Array, there)).toEqual(large)
    expect(readdirSync(here.dir)).toEqual([])
  })

  test("that can't be written leaves nothing there", () => {
    const [here] = pair()
    expect(() => encodeFrame({ ...large, n: 1n }, here)).toThrow(TypeError)
    expect(readdirSync(here.dir)).toEqual([])
  })

  test("is no frame to whoever has no shelf", () => {
    const [here] = pair()
    const frame = encodeFrame(large, here)
    expect(refused(() => decodeFrame(frame))).toBe("IPFA_PROTOCOL_MALFORMED")
  })

  test("may not have bytes of its own behind it, or name what is no place", () => {
    const [here, there] = pair()
    const header = (shelf: unknown) => {
      const json = JSON.stringify({ message: {}, arrays: [], shelf })
      const head = new Uint8Array(8 + json.length)
      new DataView(head.buffer).setBigUint64(0, BigInt(json.length), true)
      head.set(new TextEncoder().encode(json), 8)
      return head
    }
    const put = () => ({ name: here.put([bytes(8)]), bytes: 8 })
    expect(decodeFrame(header(put()), there)).toEqual({})
    expect(refused(() => decodeFrame([header(put()), bytes(8)], there))).toBe("IPFA_PROTOCOL_MALFORMED")
    for (const shelf of [null, {}, 5, { name: 1, bytes: 8 }, { ...put(), bytes: -8 }, { ...put(), bytes: 2 ** 60 }])
      expect(
        refused(() => decodeFrame(header(shelf), there)),
        JSON.stringify(shelf),
      ).toBe("IPFA_PROTOCOL_MALFORMED")
  })

  test("that is small goes whole", () => {
    const [here] = pair()
    expect(encodeFrame({ x: bytes(100) }, here).length).toBeGreaterThan(1)
    expect(readdirSync(here.dir)).toEqual([])
  })
})
