/** A short memory for pure functions of texts: a storm brings one post through 500 subscriptions, in the same words. */

/** Texts longer than this are worked out anew: 64 of them must not fill the memory. UTF-16 units. */
const TEXT_MAX = 32_768;
const ENTRIES_MAX = 64;

/** The same function, which knows its last 64 answers. Answers are shared: they must not be changed. */
export function memo<T>(compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    if (text.length > TEXT_MAX) return compute(text);
    const had = known.get(text);
    if (had !== undefined) return had;
    const answer = compute(text);
    if (known.size >= ENTRIES_MAX) known.delete(known.keys().next().value!);
    known.set(text, answer);
    return answer;
  };
}
