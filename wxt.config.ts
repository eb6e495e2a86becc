import preact from "@preact/preset-vite"
import { defineConfig } from "wxt"
import { runtimeAssets } from "./extension/build/runtime-assets.ts"
import { shortErrors } from "./extension/build/short-errors.ts"
import { EXTENSION_KEY, GECKO_ID } from "./extension/id.ts"
import { SITE_MATCHES } from "./extension/sites.ts"
import packageJson from "./package.json" with { type: "json" }
import { enforceBundleSizes } from "./scripts/bundle-sizes.ts"

/** Where threads in WebAssembly and message ports to extension pages need it. */
const isolation = {
  cross_origin_embedder_policy: { value: "require-corp" },
  cross_origin_opener_policy: { value: "same-origin" },
}

export default defineConfig({
  srcDir: "extension",
  publicDir: "extension/public",
  imports: false,
  manifestVersion: 3,
  zip: {
    name: packageJson.name.replace("-workspace", ""),
    // The sources that Mozilla's reviewers get have what a build needs.
    includeSources: [".npmrc"],
    excludeSources: ["{bench,docs,examples,test}/**", "**/dist/**"],
  },
  // scripts/dev.ts opens the browser.
  webExt: { disabled: true },
  vite: () => ({
    plugins: [preact({ reactAliasesEnabled: false, prefreshEnabled: false })],
    // ONNX Runtime's glue stays a file of its own beside the .wasm: its threads are started from it.
    resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "browser", "module", "import", "default"] },
    define: { "import.meta.env.IPFA_VERSION": JSON.stringify(packageJson.version) },
    worker: { format: "es" as const },
    build: { target: "es2022", chunkSizeWarningLimit: 2000 },
  }),
  manifest: ({ browser, manifestVersion }) => ({
    name: "ipfs-accelerate",
    description: "__MSG_extensionDescription__",
    default_locale: "en",
    version: packageJson.version,
    permissions: [
      ...(browser === "chrome" || browser === "edge" ? ["offscreen", "sidePanel"] : []),
      "storage",
      "scripting",
      // Safari's are for programs inside its own application only.
      ...(browser === "safari" ? [] : ["nativeMessaging"]),
      ...(manifestVersion === 2 ? SITE_MATCHES : []),
    ],
    ...(manifestVersion === 3
      ? {
          host_permissions: SITE_MATCHES,
          content_security_policy: {
            extension_pages: "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'",
          },
          // Not by a dynamic URL: the redirect from it lacks the headers that a page with COEP wants. See docs/design.
          web_accessible_resources: [{ resources: ["frame.html"], matches: SITE_MATCHES }],
        }
      : {
          content_security_policy: "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'",
          web_accessible_resources: ["frame.html"],
        }),
    ...(browser === "firefox"
      ? {
          browser_specific_settings: {
            gecko: {
              id: GECKO_ID,
              strict_min_version: "140.0",
              // Nothing leaves this computer but to the bridge-server that a person paired.
              data_collection_permissions: { required: ["none"] },
            },
          },
        }
      : browser === "safari"
        ? {}
        : {
            key: EXTENSION_KEY,
            // Before 148 an extension port carries JSON, which would turn a tensor into an empty object: pages that are cross-origin
            // isolated depend on it. Credentialless frames (110), scripts in the page's world (111) and the ports' close event (122) are older.
            minimum_chrome_version: "148",
            message_serialization: "structured_clone",
            ...isolation,
          }),
  }),
  hooks: {
    "build:manifestGenerated": ({ config: { browser } }, manifest) => {
      // The supervisor's home there. WXT knows background scripts only, and those can't bring module workers along.
      if (browser === "firefox" || browser === "safari")
        Object.assign(manifest, { background: { page: "background-page.html", persistent: true } })
    },
    "vite:build:extendConfig": (entrypoints, config) => {
      // The scripts that run in pages are built each on its own.
      if (entrypoints.every(({ name }) => name === "page" || name === "link")) config.plugins?.push(shortErrors())
    },
    "build:publicAssets": (_, files) => {
      files.push(...runtimeAssets())
    },
    "build:done": ({ config }) => {
      if (config.command === "build") enforceBundleSizes(config.outDir)
    },
  },
})
