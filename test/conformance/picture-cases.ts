/** The shared models that see: classes, faces and things of the shared pictures. */
import { float16Bits, float16Value, type Tensor } from "../../protocol/index.ts"
import { type Found, letterbox, overlap, suppressed, yolox } from "../support/detection.ts"
import { centre, type Image, planes, readImage, resize } from "../support/image.ts"
import { type ConformanceCase, float32, type Known, near, path, shared, values } from "./case.ts"
import { argmax, type Drive, type Driven } from "./drive.ts"

const picture = (name: string): Image => readImage(path(name.includes("/") ? name : `images/${name}`))
const kitten = "squeezenet-fp16/kitten_224.png"
const fish = "squeezenet-fp16/fish.png"

const runs = (pictures: readonly string[], input: string, feed: (image: Image) => Tensor): Drive => ({
  kind: "runs",
  runs: pictures.map((name) => ({ [input]: feed(picture(name)) })),
})

const pixels = (image: Image, scale: (x: number) => number, bgr = false): Tensor<"float32"> => ({
  dtype: "float32",
  shape: [1, 3, image.height, image.width],
  data: planes(image, scale, bgr),
})

/** What a classifier must see: of a picture the class, and where SOURCE.txt has it, its probability. */
type Classes = Readonly<Record<string, readonly [number, probability?: number]>>

function classified(classes: Classes, probabilities: (driven: Driven) => Float32Array[]) {
  const expected = Object.values(classes)
  return (driven: Driven): Known[] => {
    const got = probabilities(driven)
    const close = expected.flatMap(([kind, p], i) => (p === undefined ? [] : [near(got[i]![kind]!, p)]))
    return [
      ["classes", got.map(argmax), expected.map(([kind]) => kind)],
      ["probabilities", close, close.map(() => true)],
    ]
  }
}

const mobilenet = (
  name: string,
  file: string,
  size: number,
  classes: Classes,
  rest: Pick<ConformanceCase, "tolerance" | "heavy">,
): ConformanceCase => {
  const feed = (image: Image) => pixels(resize(centre(image), size, size), (x) => (x - 128) / 128)
  return shared(
    file.split("/")[0]!,
    file.split("/")[1]!,
    {
      plan: () => runs(Object.keys(classes), "input", feed),
      known: classified(classes, (driven) => driven.outputs.map(({ probs }) => values(probs))),
      ...rest,
    },
    name,
  )
}
const large = "mobilenetv2/mobilenet_v2_1.0_224"
const tabby: Classes = { [kitten]: [282, 0.93] }
const more: Classes = { "cat_720p.jpg": [286, 0.885], "grace_hopper.bmp": [653, 0.73] }
/** Rounding to 8 bits turns a difference in the last place into one whole step, which the layers after it carry on. */
const eightBits = { absolute: 0.03, relative: 0 }

const squeezenet = (name: string, classes: Classes, heavy?: true): ConformanceCase =>
  shared(
    "squeezenet-fp16",
    "squeezenet_fp16.onnx",
    {
      needs: "float16",
      heavy,
      plan: () =>
        runs(Object.keys(classes), "data_0", (image) => {
          const { shape, data } = pixels(resize(centre(image), 224, 224), (x) => x, true)
          return { dtype: "float16", shape, data: Uint16Array.from(data, float16Bits) }
        }),
      known: classified(classes, (driven) =>
        driven.outputs.map((o) => Float32Array.from(o.softmaxout_1!.data as Uint16Array, float16Value)),
      ),
      // One unit in the last place of a float16 near 1 is 2^-10; layers of them add up.
      tolerance: { absolute: 4e-3, relative: 0 },
    },
    name,
  )

/** What must be found, and where SOURCE.txt has it. */
interface Expected {
  name: string
  score: number
  box?: readonly number[]
}

/** All that is expected is found, and nothing else. */
function seen(picture: string, found: readonly Found[], expected: readonly Expected[]): Known[] {
  const names = (all: readonly { name: string }[]) => all.map(({ name }) => name).sort()
  return [
    [`what is in ${picture}`, names(found), names(expected)],
    ...expected.flatMap(({ name, score, box }): Known[] => {
      const one = found.find((one) => one.name === name)
      return [
        [`how surely there is a ${name} in ${picture}`, one && near(one.score, score), true],
        [`where the ${name} is in ${picture}`, one && (!box || overlap(one.box, box) > 0.9), true],
      ]
    }),
  ]
}

const face: Expected = { name: "face", score: 1 }
const faces: Record<string, Expected[]> = {
  "grace_hopper.bmp": [{ ...face, box: [0.331, 0.202, 0.698, 0.556] }],
  "face.jpg": [face, face, face, face],
  "cat.bmp": [],
}

const SQUARE = 416
const things: Record<string, Expected[]> = {
  "yolox-nano/dog.jpg": [
    { name: "dog", score: 0.83, box: [133, 207, 324, 542] },
    { name: "bicycle", score: 0.81, box: [60, 132, 572, 426] },
    { name: "car", score: 0.81, box: [467, 78, 690, 172] },
  ],
  "cat.bmp": [{ name: "cat", score: 0.76 }],
  "grace_hopper.bmp": [
    { name: "person", score: 0.94 },
    { name: "tie", score: 0.85 },
  ],
}
/** The names of COCO's 80 classes, in order. */
const coco =
  "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush".split(
    ",",
  )

export const pictureCases: readonly ConformanceCase[] = [
  squeezenet("squeezenet-fp16", { [kitten]: [281, 0.932] }),
  squeezenet("squeezenet-fp16, more pictures", { [fish]: [0, 0.738], "cat.bmp": [285, 0.793] }, true),
  mobilenet(
    "mobilenetv1-025",
    "mobilenetv1-025/mobilenet_v1_0.25_128_fp32.onnx",
    128,
    {
      "cat.bmp": [286],
      "parrot.jpg": [89, 0.68],
      "sunflower.bmp": [986, 0.76],
      [kitten]: [282],
      [fish]: [1],
    },
    { tolerance: float32 },
  ),
  mobilenet("mobilenetv2 float32", `${large}_fp32.onnx`, 224, tabby, { tolerance: float32 }),
  mobilenet("mobilenetv2 float32, more pictures", `${large}_fp32.onnx`, 224, more, {
    tolerance: float32,
    heavy: true,
  }),
  mobilenet("mobilenetv2 QDQ", `${large}_qdq.onnx`, 224, tabby, { tolerance: eightBits }),
  mobilenet("mobilenetv2 QDQ, more pictures", `${large}_qdq.onnx`, 224, more, { tolerance: eightBits, heavy: true }),
  shared("ultraface-rfb320", "version-RFB-320.onnx", {
    heavy: true,
    plan: () => runs(Object.keys(faces), "input", (image) => pixels(resize(image, 320, 240), (x) => (x - 127) / 128)),
    known: ({ outputs }) =>
      Object.entries(faces).flatMap(([name, expected], run) => {
        const { scores, boxes } = outputs[run]!
        const found = Array.from({ length: 4420 }, (_, i) => ({
          name: "face",
          score: values(scores)[2 * i + 1]!,
          box: [...values(boxes).subarray(4 * i, 4 * i + 4)],
        })).filter(({ score }) => score > 0.5)
        return seen(name, suppressed(found, 0.5), expected)
      }),
    tolerance: float32,
  }),
  shared("yolox-nano", "yolox_nano.onnx", {
    heavy: true,
    plan: () => runs(Object.keys(things), "images", (image) => pixels(letterbox(image, SQUARE).image, (x) => x, true)),
    known: ({ outputs }) =>
      Object.entries(things).flatMap(([name, expected], run) => {
        const { scale } = letterbox(picture(name), SQUARE)
        const found = yolox(values(outputs[run]!.output), coco, SQUARE, scale, 0.5)
        return seen(name, suppressed(found, 0.45), expected)
      }),
    // onnxruntime-node with its optimizations and without is 1e-4 from itself here; this is a thousandth of a cell, 0.03 pixels at most.
    tolerance: { absolute: 1e-3, relative: 0 },
  }),
]
