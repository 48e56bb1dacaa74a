import { Stack } from '@mantine/core';
import { CyclesPanel } from './CyclesPanel';
import { PoliciesPanel } from './PoliciesPanel';

/** Which models are being trained again, and by which policies. */
export function AllRetrainings() {
  return (
    <Stack gap="lg">
      <CyclesPanel />
      <PoliciesPanel />
    </Stack>
  );
}
