/**
 * UTF-8 of short texts. TextEncoder and TextDecoder are calls out of JavaScript, which cost more than the few bytes of a
 * key or a header; what is longer or not plain ASCII still goes to them.
 */
const encoder = new TextEncoder()
// Without ignoreBOM a leading U+FEFF would vanish.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const SHORT_TEXT = 256
const SHORT_BYTES = 16

export function encodeUtf8(text: string): Uint8Array {
  const { length } = text
  if (length > SHORT_TEXT) return encoder.encode(text)
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return encoder.encode(text)
    bytes[i] = code
  }
  return bytes
}

export function decodeUtf8(bytes: Uint8Array): string {
  if (bytes.length > SHORT_BYTES) return decoder.decode(bytes)
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes[i]!
    if (code >= 0x80) return decoder.decode(bytes)
    text += String.fromCharCode(code)
  }
  return text
}

/** `decodeUtf8(bytes) === text`, without making the text. */
export function isUtf8Of(bytes: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return decoder.decode(bytes) === text
    if (bytes[i] !== code) return false
  }
  return bytes.length === text.length
}
