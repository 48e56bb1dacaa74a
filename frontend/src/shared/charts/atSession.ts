/** What is of a session, among items with the oldest first; by halving, as charts ask in every frame. */
export function atSession<T extends { session: string }>(
  items: readonly T[],
  session: string,
): T | undefined {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && item.session < session) low = middle + 1;
    else high = middle;
  }
  return items[low]?.session === session ? items[low] : undefined;
}
