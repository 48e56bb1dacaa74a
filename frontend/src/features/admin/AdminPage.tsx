import { Alert, Skeleton, Stack, Tabs } from '@mantine/core';
import { IconLock, IconLockOpen } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { meQuery, useMay } from '@/api/access';
import { PageHeader } from '@/shared/ui/PageHeader';
import { EmptyState } from '@/shared/ui/States';
import { AccountsPanel } from './AccountsPanel';
import { AuditPanel } from './AuditPanel';
import { KeysPanel } from './KeysPanel';
import { SystemPanel } from './SystemPanel';
import { ADMIN_TABS, type AdminTab } from './tabs';

const route = getRouteApi('/admin');
const PANELS: Record<AdminTab, () => React.JSX.Element> = {
  accounts: AccountsPanel,
  keys: KeysPanel,
  audit: AuditPanel,
  system: SystemPanel,
};

/** Who may do what, who did what, and what the platform is made of. */
export function AdminPage() {
  const { t } = useTranslation();
  const allowed = useMay('admin');
  return (
    <Stack gap="lg">
      <PageHeader title={t('admin.title')} subtitle={t('admin.subtitle')} />
      {allowed ? <Panels /> : <OperatorsOnly />}
    </Stack>
  );
}

function Panels() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const me = useQuery(meQuery());
  if (me.isPending) return <Skeleton height={360} radius="lg" />;
  return (
    <>
      {me.data?.access === false && (
        <Alert color="yellow" icon={<IconLockOpen size={18} />} title={t('admin.off.title')}>
          {t('admin.off.detail')}
        </Alert>
      )}
      <Tabs
        value={search.tab ?? ADMIN_TABS[0]}
        keepMounted={false}
        onChange={(value) => {
          const tab = ADMIN_TABS.find((item) => item === value);
          void navigate({ search: tab === ADMIN_TABS[0] ? {} : { tab }, replace: true });
        }}
      >
        <Tabs.List mb="md">
          {ADMIN_TABS.map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {t(`admin.tabs.${tab}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {ADMIN_TABS.map((tab) => {
          const Shown = PANELS[tab];
          return (
            <Tabs.Panel key={tab} value={tab}>
              <Shown />
            </Tabs.Panel>
          );
        })}
      </Tabs>
    </>
  );
}

function OperatorsOnly() {
  const { t } = useTranslation();
  return (
    <EmptyState icon={<IconLock size={26} />} title={t('access.operatorsOnly')}>
      {t('admin.viewer')}
    </EmptyState>
  );
}
