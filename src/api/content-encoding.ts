/** Bodies that a gateway between a sender and us has compressed (RFC 9110, 8.4). */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';

const DECODERS = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** Whether {@link decompressed} knows a `Content-Encoding`, in lower case. */
export function isKnownEncoding(encoding: string): boolean {
  return DECODERS.has(encoding);
}

/**
 * The body as it was before, or null where it would have more than `bytesMax`: a few bytes can stand for gigabytes, and
 * no more than that is ever unpacked. What is not in the form that it claims comes back as it is; the reader of it judges.
 */
export async function decompressed(
  bytes: Uint8Array,
  encoding: string,
  { bytesMax }: { bytesMax: number },
): Promise<Uint8Array | null> {
  const decode = DECODERS.get(encoding);
  if (!decode) return bytes;
  try {
    return await decode(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? null : bytes;
  }
}
