/** The identity of a disk: a Kafka Uuid string (16 bytes as 22 characters of URL-safe base 64) from keyed draws. */
import { draw32, type RootKey } from '../base/random.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export function diskId(rootKey: RootKey, host: string, replacement: number): string {
  let text = ''
  for (let i = 0; i < 22; i++) {
    const draw = draw32(rootKey, 'disk-id', host, replacement, i) >>> 26
    // The first never is a dash (Kafka avoids that); the last holds only the two bits that are left of 128.
    text += ALPHABET[i === 0 ? draw >>> 1 : i === 21 ? draw & 48 : draw]!
  }
  return text
}
