import { Button, Center } from '@mantine/core';

interface MoreButtonProps {
  label: string;
  onMore: () => void;
  /** nothing more is there */
  hidden?: boolean;
  loading?: boolean;
}

/** Shows more of a list, below it. */
export function MoreButton({ label, onMore, hidden = false, loading = false }: MoreButtonProps) {
  if (hidden) return null;
  return (
    <Center>
      <Button variant="subtle" size="xs" loading={loading} onClick={onMore}>
        {label}
      </Button>
    </Center>
  );
}
