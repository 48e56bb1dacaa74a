import { Skeleton, Stack, Tabs } from '@mantine/core';
import { IconBrain } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { modelQuery, type ModelDetail, type ModelVersion } from '@/api/models';
import { toProblem } from '@/shared/problem';
import { EmptyState, ProblemAlert } from '@/shared/ui/States';
import { RetrainingTab } from '../retraining/RetrainingTab';
import { TrailPanel } from '../TrailPanel';
import { BacktestTab } from './BacktestTab';
import { CardTab } from './CardTab';
import { DefinitionTab } from './DefinitionTab';
import { EvidenceTab } from './EvidenceTab';
import { ModelHeading } from './ModelHeading';
import { TrainingPanel } from './TrainingPanel';
import { shownVersion, useModelPage } from './useModelPage';
import { VersionsTab } from './VersionsTab';

/** One model: what it is, how it is trained, what speaks for and against its versions, and which of them serves. */
export function ModelPage() {
  const { modelId } = useModelPage();
  const model = useQuery(modelQuery(modelId));
  if (model.isPending) return <Skeleton height={520} radius="lg" />;
  if (model.isError) {
    return toProblem(model.error).status === 404 ? (
      <Unknown />
    ) : (
      <ProblemAlert error={model.error} onRetry={model.refetch} />
    );
  }
  return <Shown key={modelId} model={model.data} />;
}

const VERSION_TABS = ['evidence', 'backtest', 'versions', 'card'] as const;
const MODEL_TABS = ['retraining', 'trail', 'definition'] as const;

function Shown({ model }: { model: ModelDetail }) {
  const { t } = useTranslation();
  const { search, update } = useModelPage();
  const version = shownVersion(model, search.version);
  const tabs = [...(version ? VERSION_TABS : []), ...MODEL_TABS];
  const tab = tabs.find((item) => item === search.tab) ?? tabs[0] ?? 'definition';
  return (
    <Stack gap="lg">
      <ModelHeading model={model} version={version} />
      <TrainingPanel model={model} />
      <Tabs
        value={tab}
        onChange={(value) => {
          const chosen = tabs.find((item) => item === value);
          update({ tab: chosen === tabs[0] ? undefined : chosen });
        }}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {tabs.map((value) => (
            <Tabs.Tab key={value} value={value} data-testid={`tab-${value}`}>
              {t(`modelDetail.tab.${value}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {version && <VersionTabs model={model} version={version} />}
        <Tabs.Panel value="retraining">
          <RetrainingTab model={model} />
        </Tabs.Panel>
        <Tabs.Panel value="trail">
          <TrailPanel registeredName={model.registered_name} />
        </Tabs.Panel>
        <Tabs.Panel value="definition">
          <DefinitionTab model={model} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function VersionTabs({ model, version }: { model: ModelDetail; version: ModelVersion }) {
  return (
    <>
      <Tabs.Panel value="evidence">
        <EvidenceTab modelId={model.model_id} version={version} />
      </Tabs.Panel>
      <Tabs.Panel value="backtest">
        <BacktestTab model={model} version={version} />
      </Tabs.Panel>
      <Tabs.Panel value="versions">
        <VersionsTab model={model} />
      </Tabs.Panel>
      <Tabs.Panel value="card">
        <CardTab modelId={model.model_id} version={version.version} />
      </Tabs.Panel>
    </>
  );
}

function Unknown() {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={<IconBrain size={26} />}
      title={t('modelDetail.unknown.title')}
      action={<Link to="/models">{t('modelDetail.unknown.action')}</Link>}
    >
      {t('modelDetail.unknown.detail')}
    </EmptyState>
  );
}
