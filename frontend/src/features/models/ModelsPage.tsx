import { Button, Stack, Tabs } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { PageHeader } from '@/shared/ui/PageHeader';
import { ModelsPanel } from './list/ModelsPanel';
import { TrainingsPanel } from './list/TrainingsPanel';
import { AllRetrainings } from './retraining/AllRetrainings';
import { TrailPanel } from './TrailPanel';

const route = getRouteApi('/models');
const OTHERS = ['trainings', 'retraining', 'trail'] as const;
const TABS = ['models', ...OTHERS] as const;

/** All models, all trainings, when they are trained again, and who let which version serve. */
export function ModelsPage() {
  const { t } = useTranslation();
  const { tab = 'models' } = route.useSearch();
  const navigate = route.useNavigate();
  const allowed = useMay('write');
  return (
    <Stack gap="lg">
      <PageHeader
        title={t('nav.models')}
        subtitle={t('models.subtitle')}
        actions={
          <Button
            leftSection={<IconPlus size={16} />}
            renderRoot={(props) => <Link to="/models/new" {...props} />}
            disabled={!allowed}
            title={allowed ? undefined : t('access.operatorsOnly')}
            data-testid="new-model"
          >
            {t('models.new')}
          </Button>
        }
      />
      <Tabs
        value={tab}
        onChange={(value) => {
          void navigate({
            search: (before) => ({
              ...before,
              tab: OTHERS.find((item) => item === value),
            }),
          });
        }}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {TABS.map((value) => (
            <Tabs.Tab key={value} value={value}>
              {t(`models.tab.${value}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="models">
          <ModelsPanel />
        </Tabs.Panel>
        <Tabs.Panel value="trainings">
          <TrainingsPanel />
        </Tabs.Panel>
        <Tabs.Panel value="retraining">
          <AllRetrainings />
        </Tabs.Panel>
        <Tabs.Panel value="trail">
          <TrailPanel />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
