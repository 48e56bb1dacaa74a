import { Badge } from '@mantine/core';

/** An HTTP status; what was refused stands out. */
export function StatusBadge({ status }: { status: number }) {
  const color = status >= 500 ? 'red' : status >= 400 ? 'yellow' : 'teal';
  return <Badge color={color}>{status}</Badge>;
}
