import "wxt/browser"

declare module "wxt/browser" {
  interface WxtRuntime {
    getURL(path: string): string
  }
  interface WxtI18n {
    getMessage(key: string, values?: string[]): string
  }
}
