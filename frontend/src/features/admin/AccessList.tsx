import { Button, Card, Group, Skeleton, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { DataTable, type DataTableProps } from '@/shared/table/DataTable';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';

interface AccessListProps<T extends object> extends Omit<DataTableProps<T>, 'rows' | 'testId'> {
  /** whose texts it takes: what these are, how one is added, and that there are none */
  what: 'account' | 'apiKey';
  list: UseQueryResult<T[]>;
  icon: (size: number) => ReactNode;
  /** the form that adds one, while it is open */
  form: (close: () => void) => ReactNode;
  /** of the button that opens it */
  testId: string;
}

/** What opens the platform: a list of it, with a button that adds one. */
export function AccessList<T extends object>(props: AccessListProps<T>) {
  const { what, list, icon, form, testId, ...table } = props;
  const { t } = useTranslation();
  const [adding, setAdding] = useState(false);
  return (
    <Card>
      <Group justify="space-between" mb="sm">
        <Text fz="sm" className="muted">
          {t(`${what}.about`)}
        </Text>
        <Button
          size="sm"
          leftSection={icon(16)}
          onClick={() => {
            setAdding(true);
          }}
          data-testid={testId}
        >
          {t(`${what}.add`)}
        </Button>
      </Group>
      {list.isPending && <Skeleton height={160} />}
      {list.isError && <ProblemAlert error={list.error} onRetry={list.refetch} />}
      {list.data?.length === 0 && (
        <EmptyState icon={icon(26)} title={t(`${what}.none.title`)}>
          {t(`${what}.none.detail`)}
        </EmptyState>
      )}
      {list.data && list.data.length > 0 && <DataTable {...table} rows={list.data} />}
      {adding &&
        form(() => {
          setAdding(false);
        })}
    </Card>
  );
}
