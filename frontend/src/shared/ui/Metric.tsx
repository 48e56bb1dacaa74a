import { Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** A number under its name. */
export function Metric({ label, children, hint }: { label: string; children: ReactNode; hint?: string }) {
  return (
    <div title={hint}>
      <Text fz="xs" className="muted">
        {label}
      </Text>
      <Text component="div" fw={600} fz="sm">
        {children}
      </Text>
    </div>
  );
}
