import { Anchor, Badge, Group, Text } from '@mantine/core';
import type { TFunction } from 'i18next';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ListedModel } from '@/api/models';
import { useModelTypeText } from '@/features/forecast/modelTypeText';
import type { Format } from '@/shared/format/format';
import { useFormat } from '@/shared/format/useFormat';
import type { Column } from '@/shared/table/columns';
import { sortFromText, sortToText } from '@/shared/table/columns';
import { DataTable } from '@/shared/table/DataTable';
import { SkillBadge } from '../SkillBadge';
import { StateBadge } from '../StateBadge';
import { useModelsSearch } from './useModelsSearch';

/** One row for each definition, with its newest version. */
export function ModelsTable({ models }: { models: readonly ListedModel[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { title } = useModelTypeText();
  const { search, update } = useModelsSearch();
  const columns = useMemo(() => columnsOf(t, format, title), [t, format, title]);
  return (
    <DataTable
      label={t('nav.models')}
      columns={columns}
      rows={models}
      rowKey={(model) => model.model_id}
      csv="models"
      sort={sortFromText(search.sort)}
      onSort={(sort) => {
        update({ sort: sortToText(sort) });
      }}
      testId="models-table"
    />
  );
}

function columnsOf(t: TFunction, format: Format, title: (name: string) => string): Column<ListedModel>[] {
  return [
    {
      id: 'name',
      header: t('models.column.name'),
      value: (model) => model.name,
      cell: (model) => <NameCell model={model} />,
    },
    {
      id: 'type',
      header: t('models.column.type'),
      value: (model) => model.model_type,
      cell: (model) => title(model.model_type),
      visibleFrom: 'sm',
    },
    {
      id: 'horizon',
      header: t('models.column.horizon'),
      value: (model) => Number(model.spec.horizon),
      align: 'right',
      visibleFrom: 'md',
    },
    {
      id: 'state',
      header: t('models.column.state'),
      value: (model) => model.champion ?? model.newest?.alias ?? '',
      cell: (model) => <StateBadge champion={model.champion} newest={model.newest} />,
    },
    {
      id: 'skill',
      header: t('models.column.skill'),
      hint: t('models.column.skillHint'),
      value: (model) => model.newest?.skill,
      cell: (model) =>
        model.newest && <SkillBadge skill={model.newest.skill} better={model.newest.beats_random_walk} />,
    },
    {
      id: 'versions',
      header: t('models.column.versions'),
      value: (model) => model.versions,
      align: 'right',
      visibleFrom: 'md',
    },
    {
      id: 'until',
      header: t('models.column.until'),
      hint: t('models.column.untilHint'),
      value: (model) => model.newest?.trained_until,
      cell: (model) => (model.newest ? format.session(model.newest.trained_until) : '–'),
      visibleFrom: 'lg',
    },
  ];
}

function NameCell({ model }: { model: ListedModel }) {
  return (
    <div>
      <Anchor
        fz="sm"
        fw={600}
        renderRoot={(props) => <Link to="/models/$modelId" params={{ modelId: model.model_id }} {...props} />}
      >
        {model.name}
      </Anchor>
      <Group gap={4}>
        <Text fz="xs" className="muted">
          {model.registered_name}
        </Text>
        {model.tags.map((tag) => (
          <Badge key={tag} size="xs" color="gray">
            {tag}
          </Badge>
        ))}
      </Group>
    </div>
  );
}
