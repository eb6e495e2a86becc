import type { ErrorCode } from "../protocol/index.ts"

/** What to do about each error, for docs/troubleshooting.md: beyond its own sentence, which stands above it there. */
export const advice: Record<ErrorCode, string> = {
  IPFA_INPUT_INVALID: "Look at `data.path` and `data.expected`; [protocol.md](protocol.md) has what each method takes.",
  IPFA_INPUT_SHAPE:
    "`session.inputs` (or `GET /v2/models/M`) lists names, dtypes and shapes. A dimension that is a name there may be of any size. Images mostly lack the batch dimension: `[1, …]`.",
  IPFA_INTERNAL:
    "This is a fault of the software. Report it with `cause` and, where a bridge-server took part, the lines of `logs/bridge.log` around it (`serve --log-level debug` has the whole error there, and may quote what the model was fed).",

  IPFA_PROTOCOL_VERSION:
    "Extensions update by themselves, bridge-servers don't: most often it is the bridge-server that is to be updated.",
  IPFA_PROTOCOL_MALFORMED:
    "Something other than this software speaks on the connection, or a proxy changes it. WebSockets have to be let through as they are, with binary messages.",
  IPFA_PROTOCOL_UNKNOWN_METHOD:
    "Update the side that answered. A program of yours may call a method by a wrong name: [protocol.md](protocol.md) has all.",
  IPFA_PROTOCOL_TOO_LARGE:
    "Split the batch. Models go up by parts (`model.put`), which the SDK does by itself; over HTTP use the binary tensor extension instead of JSON.",
  IPFA_PROTOCOL_CLOSED:
    "Try again: the other side ended or the network was cut. If it comes back each time, `logs/bridge.log` and `ipfs-accelerate status` say whether the bridge-server still runs.",
  IPFA_PROTOCOL_SLOW_READER:
    "Read what comes in before asking for more; a program that is stopped in a debugger is cut off this way too.",

  IPFA_JOB_CANCELLED: "It was asked for: an `AbortSignal`, a closed page or connection. Nothing is to be done.",
  IPFA_JOB_DEADLINE:
    "Give it longer (`deadlineMs`, `--deadline`), or look at where the time goes: a first run compiles, a queue may be long (`ipfs-accelerate status`, the dashboard).",
  IPFA_JOB_PAUSED:
    "Resume in the extension's popup, on the worker page, or raise the limit (battery) in the settings; or choose another agent.",
  IPFA_JOB_LOST:
    'Two devices were lost under one job. A model that ends the process each time is too large or trips a driver: try it with `device: "wasm"` or `native-cpu`, and update the graphics driver.',
  IPFA_JOB_OVERRUN:
    "Send smaller batches, or a smaller model, or wait until the device is free: others had waited for it. A bridge-server had tried one other device.",
  IPFA_QUEUE_FULL:
    "Wait as long as `Retry-After` or `data.retryAfterMs` says. If it stays so, more devices have to join, or less be asked for at once.",

  IPFA_GRANT_REQUIRED:
    "A page calls `window.ipfsAccelerate.enable()` on a click. A program uses the token of the file `token`: what was paired can't do everything.",
  IPFA_GRANT_DENIED:
    "Ask again only when the person starts something that needs it; repeated prompts are held back for a while.",
  IPFA_GRANT_REVOKED:
    "Call `enable()` when the person next asks for it. What a site may do is listed in the extension's options.",
  IPFA_GRANT_EXPIRED: "Call `enable()` again. `always` in the prompt is a grant without an end.",
  IPFA_GRANT_ORIGIN:
    "Serve the page by https or from `localhost`, and not in a sandboxed frame, from `data:` or from a file.",
  IPFA_GRANT_PROMPT: "Answer the window that is open, or close it, which is a no.",

  IPFA_MODEL_REFERENCE:
    "Write the whole address with its scheme. On the command line a path or a name such as `digits` will do.",
  IPFA_MODEL_SCHEME:
    "Pages and browsers load `https://` and what they upload; `file:` is for Node and the bridge-server on its own machine.",
  IPFA_MODEL_NOT_FOUND:
    "`ipfs-accelerate models list` shows names and stored models; `models add` gives a name. For an address: open it in a browser.",
  IPFA_MODEL_FETCH:
    "The message says what went wrong; `data.status` is what the server answered, where it did. From a page, the server has to allow the page's origin (CORS). Or download the file and add it by its path.",
  IPFA_MODEL_ADDRESS:
    "Private and loopback addresses are refused, since a page could look around in your network by them. For a server of your own on this machine: `serve --allow-loopback-models`.",
  IPFA_MODEL_DIGEST:
    "The file is another one than you pinned, or it was changed on the way. Compare its SHA-256 with that of who published it; don't just remove the pin.",
  IPFA_MODEL_CHANGED:
    "If the change is meant, delete the stored model (`models remove sha256:…`, or in the extension's options) and load it anew. Pin what must not change with `#sha256=…`.",
  IPFA_MODEL_INVALID:
    "`data.path` names the part, `data.expected` what should be there. Export it again with ONNX's own operators, and check it with `onnx.checker`. External data has to be named in `external`, by file names without a path.",
  IPFA_MODEL_PRECISION:
    "`data.precision` is what most of its weights are. Load a file that was exported or quantized in the wanted one, or leave `precision` out.",
  IPFA_MODEL_TOO_LARGE:
    "Quantize it (float16, int8, int4), or run it on an agent with more memory, such as a native process.",
  IPFA_MODEL_METERED:
    "Load it once on another network, after which it is stored, or allow metered networks in the extension's options.",
  IPFA_MODEL_UPLOAD: "Send the parts in order under one `uploadId`, or start the upload anew under another.",

  IPFA_STORE_QUOTA:
    "Delete models (`models list`, `models remove`, the extension's options), free disk space, or raise the site's limit. A browser gives a share of the free disk. What is chosen meanwhile on the extension's screens (a pause, a limit, a site that is switched off or taken back) holds at once, and until the browser ends: choose it again when there is room.",
  IPFA_STORE_CORRUPT: "Load it again. If it comes back, the disk or the browser's profile is damaged: check both.",
  IPFA_STORE_NEWER:
    'An older version was started on what a newer one had migrated. Start the newer one; or put back the copies from before, `evidence.duckdb.vN`, `agents.json.vN` and `aliases.json.vN` in the data folder, in place of the files without `.vN`: what was measured, paired and named since is then missing. In a browser, where the extension says that it can\'t start: update the extension and choose "Try again" there, or "Delete everything", with which it begins anew.',
  IPFA_STORE_DENIED:
    "The bridge-server's worker page and dashboard keep this browser's token, and the worker page models, in the browser's storage for that address. Where cookies or site data are blocked for it, allow them in what the browser shows beside the address.",
  IPFA_STORE_LOCKED:
    "`ipfs-accelerate status` shows the bridge-server that has it, `ipfs-accelerate service status` whether it is the service. The lock is gone with the process, however it ended: there is no file to delete.",

  IPFA_DEVICE_ABSENT:
    "`ipfs-accelerate status` and `doctor` say why a device is absent and how to get it. WebGPU wants a graphics driver that the browser trusts (`chrome://gpu`, `about:support`).",
  IPFA_DEVICE_LOST:
    "Jobs are run again elsewhere by themselves. If it is lost often, update the graphics driver, or load smaller models.",
  IPFA_DEVICE_INCORRECT:
    "Update the graphics driver or the browser. Until then other devices are used; its known case is tried again when it is probed anew.",
  IPFA_DEVICE_MEMORY:
    "Close sessions that are not used, choose a smaller precision, or raise the memory limit in the extension's options or on the worker page.",
  IPFA_DEVICE_NONE:
    "The message, and `data.devices` where there are many, has each device's reason: too little memory, a kind of operator it has not, away just now. `ipfs-accelerate doctor` says how to get more.",
  IPFA_DEVICE_UNSUPPORTED:
    "Use another device; `wasm` and `native-cpu` have nearly all of ONNX. Models with rare operators, or float16 where the device has none, end here.",

  IPFA_SESSION_UNKNOWN:
    "Open it again. A connection that was lost takes its sessions along; the SDK's session reopens by itself.",
  IPFA_SESSION_KEPT:
    "Feed the values again: what is kept on a device is gone with it, with the session, and where it is taken back from who holds most memory for others who need some; `data.reason` says which.",
  IPFA_RUN_FAILED:
    "`cause` has the runtime's own words. Try another device: if it runs on `wasm`, the device's implementation of an operator is at fault.",

  IPFA_BRIDGE_UNREACHABLE:
    "Start it (`ipfs-accelerate serve`, or `service install` for good), with the same `--data`. From another machine: is it listening there (`--host`, TLS), is the name one it knows (`--name`), does a firewall let the port through?",
  IPFA_BRIDGE_TOKEN:
    "Programs send the content of the file `token` (`ipfs-accelerate status` names it). A browser pairs again: `ipfs-accelerate pair`. A dashboard: `pair --dashboard`.",
  IPFA_BRIDGE_HOST:
    "Call it by an address it knows: `127.0.0.1`, `localhost`, or a name given with `serve --name`. A proxy in front has to pass the `Host` header on, or be named.",
  IPFA_BRIDGE_ORIGIN:
    "Web pages may not talk to the bridge-server; they use the extension. Open its own pages, `/worker` and `/dashboard`, by an address it knows.",
  IPFA_BRIDGE_PAIRING:
    "`ipfs-accelerate pair` makes a new code, `pair --worker` and `pair --dashboard` a link; each is good once, for five minutes, for that one use.",
  IPFA_BRIDGE_PAIRING_RATE:
    "Wait a minute, then type the code again; only so many wrong ones are taken from one address.",
  IPFA_BRIDGE_EXPOSED:
    "Give it a certificate, as [worker-page.md](worker-page.md#from-another-machine) says, or use an SSH tunnel to `127.0.0.1`.",
  IPFA_BRIDGE_PORT:
    "The message names the process where this user may know it. Another bridge-server of yours may be it: `ipfs-accelerate status`. `--port 0` takes any free port, which programs of this machine find by themselves.",
  IPFA_BRIDGE_SERVICE:
    "Where it is installed and does not answer, the message has what it logged last: mend that (another `--port`, the other bridge-server ended) and install it again. Over SSH or in a container there is often no service manager for a user: log in at the machine, or `loginctl enable-linger` first. Else start `ipfs-accelerate serve` by what you have.",
  IPFA_AGENT_UNKNOWN:
    "`ipfs-accelerate status` lists who is there. A browser joins while it runs, a worker page while it is open; a sleeping laptop is away.",

  IPFA_HOST_ABSENT: "Run `ipfs-accelerate install-native-host`, or type a pairing code instead: it does the same.",
  IPFA_HOST_CALLER:
    "An extension that was built or loaded under another id: `install-native-host --extension-id ID`, with the id from the browser's page of extensions.",
  IPFA_HOST_FAILED:
    "Node may have moved since it was installed: run `install-native-host` again. `ipfs-accelerate doctor` looks at the rest.",

  IPFA_EXTENSION_ABSENT:
    "Install the extension, and open the page by https or from `localhost`. Frames inside a page have no API.",
  IPFA_EXTENSION_UPDATED: "Reload the page; what it had stored is still there.",
  IPFA_STORAGE_QUERY:
    "`serve --no-evidence` keeps no measurements: start it without. Else look at the parameters of the query.",
}
