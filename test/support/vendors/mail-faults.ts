/** What a strict server on the way refuses in a mail, or changes so that threads and filters break (RFC 5321, 5322). */

/** Octets of a line without its end (RFC 5322 2.1.1). */
const LINE_OCTETS_MAX = 998;
/** At most one of each (RFC 5322 3.6); a second one is what an injected line looks like. */
const SINGLE =
  'from sender reply-to to cc bcc message-id in-reply-to references subject date thread-topic list-id'.split(' ');
/** Every mail of ours has them (destinations 4.1). */
const REQUIRED = 'from to date subject message-id in-reply-to references auto-submitted list-id mime-version'.split(
  ' ',
);
/** Nothing else is ours to set: any other name came in with somebody's text. */
const KNOWN = new Set([
  ...SINGLE,
  ...REQUIRED,
  'x-auto-response-suppress',
  'content-type',
  'content-transfer-encoding',
]);

/** Empty where the mail may pass. `raw` is the message as it came, each byte one character (`latin1`). */
export function mailFaults(raw: string): string[] {
  const end = raw.indexOf('\r\n\r\n');
  const head = end === -1 ? raw : raw.slice(0, end);
  const names = head
    .replaceAll(/\r\n[\t ]+/g, ' ')
    .split('\r\n')
    .map((line) => line.slice(0, Math.max(line.indexOf(':'), 0)).toLowerCase());
  const count = (name: string): number => names.filter((one) => one === name).length;
  return [
    ...(raw.split('\r\n').some((line) => line.length > LINE_OCTETS_MAX)
      ? [`a line over ${LINE_OCTETS_MAX} octets`]
      : []),
    ...(/(?<!\r)\n|\r(?!\n)/.test(raw) ? ['a line end that is not CR LF'] : []),
    ...(/[^\t\r\n\x20-\x7e]/.test(head) ? ['a header that is not ASCII'] : []),
    ...SINGLE.filter((name) => count(name) > 1).map((name) => `more than one ${name}`),
    ...REQUIRED.filter((name) => count(name) === 0).map((name) => `no ${name}`),
    ...names.filter((name) => !KNOWN.has(name)).map((name) => `an unknown header ${name}`),
  ];
}
