/**
 * Pages that can have the API: those that are secure contexts (https, and http on loopback), in their top frame. An embedded frame gets
 * nothing: a person couldn't tell who asks.
 */
export const SITE_MATCHES = [
  "https://*/*",
  "http://localhost/*",
  "http://*.localhost/*",
  "http://127.0.0.1/*",
  "http://[::1]/*",
]
