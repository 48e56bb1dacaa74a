import { Group, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { PRODUCT, titled } from './title';

interface PageHeaderProps {
  title: ReactNode;
  subtitle?: ReactNode;
  /** what one can do here, at the right */
  actions?: ReactNode;
}

/** What a page is, and what one can do on it. */
export function PageHeader({ title, subtitle, actions }: PageHeaderProps) {
  useDocumentTitle(typeof title === 'string' ? titled(title) : PRODUCT);
  return (
    <Group justify="space-between" align="flex-start" gap="md">
      <div style={{ flex: '1 1 320px', minWidth: 0 }}>
        <Title order={1} fz="h2">
          {title}
        </Title>
        {subtitle && <Text className="muted">{subtitle}</Text>}
      </div>
      {actions && <Group gap="sm">{actions}</Group>}
    </Group>
  );
}
