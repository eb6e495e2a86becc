/**
 * A file name for each output. An output's name is the model's word: its file stays within the folder, and takes no other's place, on disks too
 * that don't tell large letters from small.
 */
export function outputFiles(outputs: readonly string[]): string[] {
  const taken = new Set<string>()
  return outputs.map((output) => {
    const name = output.replace(/[^\w.-]/g, "_").replace(/^\.+/, "_")
    let file = `${name}.npy`
    for (let nth = 2; taken.has(file.toLowerCase()); nth++) file = `${name}-${nth}.npy`
    taken.add(file.toLowerCase())
    return file
  })
}
