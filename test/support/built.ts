import { globSync, readFileSync } from "node:fs"
import path from "node:path"
import bcd from "@mdn/browser-compat-data" with { type: "json" }

export type Store = "chrome" | "edge" | "firefox" | "safari"

/** One of MDN's nodes: a key of the manifest, an API, or a part of one. */
interface Known {
  __compat?: { support: Partial<Record<Store, Support | Support[]>> }
  [part: string]: Known | Known["__compat"]
}
interface Support {
  version_added: string | false | "preview"
  flags?: unknown[]
}

const { manifest: manifestKeys, api } = bcd.webextensions as unknown as { manifest: Known; api: Known }

/** Since which version a browser has it, `false` where it has not, undefined where MDN does not know of it. */
function since(known: Known | undefined, browser: Store): number | false | undefined {
  const support = known?.__compat?.support[browser]
  if (!support) return undefined
  const full = [support].flat().find(({ flags }) => !flags)
  const { version_added: version } = full ?? { version_added: false as const }
  return version === false || version === "preview" ? false : Number.parseFloat(version.replace("≤", ""))
}

export type Manifest = Record<string, unknown> & { permissions: string[]; content_scripts: Record<string, unknown>[] }

/** What a built extension asks of its browser that this has not, at the version it wants at least; one line each. */
export function beyond(dir: string, browser: Store, atLeast: number, own: readonly string[]): string[] {
  const manifest = readManifest(dir)
  const faults: string[] = []
  const check = (what: string, known: Known | undefined) => {
    const from = since(known, browser)
    if (own.includes(what)) return
    if (from === undefined) faults.push(`${what}: MDN does not know it`)
    else if (from === false || from > atLeast) faults.push(`${what}: ${from === false ? "absent" : `since ${from}`}`)
  }
  const at = (node: Known, part: string) => node[part] as Known | undefined
  for (const [key, value] of Object.entries(manifest)) {
    check(key, at(manifestKeys, key))
    // Parts are what differs between browsers; their values may be anything.
    for (const item of [value].flat())
      if (typeof item === "object" && item !== null && !["icons", "browser_specific_settings"].includes(key))
        for (const part of Object.keys(item)) {
          const known = manifestKeys[key] && at(at(manifestKeys, key) as Known, part)
          if (known) check(`${key}.${part}`, known)
        }
  }
  for (const permission of manifest.permissions)
    if (!permission.includes("://"))
      check(`permission ${permission}`, at(at(manifestKeys, "permissions") as Known, permission))
  for (const name of usedApis(dir)) {
    const [namespace = "", member = ""] = name.split(".")
    check(name, at(at(api, namespace) as Known, member))
  }
  return faults
}

export function readManifest(dir: string): Manifest {
  return JSON.parse(readFileSync(path.join(dir, "manifest.json"), "utf8")) as Manifest
}

/** `namespace.member` of each extension API that the built scripts name. */
function usedApis(dir: string): string[] {
  const namespaces = Object.keys(api).filter((name) => name !== "__compat")
  const named = new RegExp(`\\.(${namespaces.join("|")})\\??\\.(\\w+)`, "g")
  const used = new Set<string>()
  for (const file of globSync("**/*.js", { cwd: dir })) {
    // Not ONNX Runtime's own files, which know no extension.
    if (/^(ort|duckdb)/.test(file)) continue
    for (const [, namespace = "", member = ""] of readFileSync(path.join(dir, file), "utf8").matchAll(named))
      if (member in (api[namespace] as Known)) used.add(`${namespace}.${member}`)
  }
  return [...used].sort()
}

/** Files that the manifest names. */
export function namedFiles(manifest: unknown): string[] {
  if (typeof manifest === "string") return /^[\w/-]+\.(html|js|css|png)$/.test(manifest) ? [manifest] : []
  return typeof manifest === "object" && manifest !== null ? Object.values(manifest).flatMap(namedFiles) : []
}
