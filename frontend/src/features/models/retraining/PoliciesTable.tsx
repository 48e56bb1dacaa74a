import { Anchor, Badge, Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ListedModel } from '@/api/models';
import type { RetrainingPolicy } from '@/api/retraining';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { TRIGGERS, type TriggerName } from '@/features/retraining/policyForm';
import { triggerNumber } from './Reasons';

/** A model with its policy; null: nobody has given it one, so that every trigger is off. */
export interface PolicyRow {
  model: ListedModel;
  policy: RetrainingPolicy | null;
}

export function PoliciesTable({ rows }: { rows: readonly PolicyRow[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns = useMemo(() => columnsOf(t, format), [t, format]);
  return (
    <DataTable
      label={t('retraining.policies.title')}
      columns={columns}
      rows={rows}
      rowKey={({ model }) => model.model_id}
      csv="retraining-policies"
      testId="policies-table"
    />
  );
}

function triggersOn(policy: RetrainingPolicy | null): readonly TriggerName[] {
  return policy ? TRIGGERS.filter((trigger) => policy[trigger].mode !== 'off') : [];
}

function triggerText(trigger: TriggerName, policy: RetrainingPolicy, t: TFunction, format: Format): string {
  return `${t(`retraining.trigger.${trigger}`)} ≥ ${triggerNumber(trigger, policy[trigger].threshold, t, format)}`;
}

function columnsOf(t: TFunction, format: Format): readonly Column<PolicyRow>[] {
  return [
    {
      id: 'model',
      header: t('retraining.policies.column.model'),
      value: ({ model }) => model.name,
      cell: ({ model }) => (
        <div>
          <Anchor
            fz="sm"
            fw={600}
            renderRoot={(props) => (
              <Link
                to="/models/$modelId"
                params={{ modelId: model.model_id }}
                search={{ tab: 'retraining' }}
                {...props}
              />
            )}
          >
            {model.name}
          </Anchor>
          <Text fz="xs" className="muted">
            {model.registered_name}
          </Text>
        </div>
      ),
    },
    {
      id: 'serves',
      header: t('retraining.policies.column.serves'),
      value: ({ model }) => model.champion,
      cell: ({ model }) =>
        model.champion === null
          ? t('retraining.policies.nothingServes')
          : t('retraining.policies.serves', { version: model.champion }),
      visibleFrom: 'sm',
    },
    {
      id: 'triggers',
      header: t('retraining.policies.column.triggers'),
      value: ({ policy }) =>
        policy &&
        triggersOn(policy)
          .map((trigger) => triggerText(trigger, policy, t, format))
          .join('; '),
      cell: ({ policy }) => <Triggers policy={policy} />,
    },
    {
      id: 'trial',
      header: t('retraining.policies.column.trial'),
      value: ({ policy }) =>
        policy &&
        t('retraining.policies.trial', {
          shadow: policy.shadow_sessions,
          probation: policy.probation_sessions,
        }),
      visibleFrom: 'md',
    },
    {
      id: 'edit',
      header: '',
      value: () => null,
      cell: ({ model }) => <EditLink model={model} />,
      align: 'right',
      sortable: false,
      exported: false,
      visibleFrom: 'sm',
    },
  ];
}

function Triggers({ policy }: { policy: RetrainingPolicy | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const on = triggersOn(policy);
  if (!policy || on.length === 0) {
    return (
      <Text fz="sm" className="muted">
        {t('retraining.policies.allOff')}
      </Text>
    );
  }
  return (
    <Group gap={4}>
      {on.map((trigger) => {
        const { mode } = policy[trigger];
        return (
          <Badge
            key={trigger}
            color={mode === 'automatic' ? 'indigo' : 'yellow'}
            title={t(`retraining.mode.${mode}`)}
          >
            {triggerText(trigger, policy, t, format)}
          </Badge>
        );
      })}
    </Group>
  );
}

function EditLink({ model }: { model: ListedModel }) {
  const { t } = useTranslation();
  return (
    <Button
      size="compact-sm"
      variant="light"
      renderRoot={(props) => (
        <Link
          to="/models/$modelId"
          params={{ modelId: model.model_id }}
          search={{ tab: 'retraining' }}
          {...props}
        />
      )}
      aria-label={t('retraining.policies.editOf', { name: model.name })}
    >
      {t('retraining.policies.edit')}
    </Button>
  );
}
