import { AppShell, Container, Group, Text } from '@mantine/core';
import { IconActivityHeartbeat, IconLayoutDashboard } from '@tabler/icons-react';
import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { live } from '@/api/live';
import { useLiveState } from '@/shared/live/hooks';
import { LiveBadge } from '@/shared/ui/LiveBadge';
import { InstrumentSearch } from './InstrumentSearch';
import { LiveBridge } from './LiveBridge';
import { MarketClock } from './MarketClock';
import { OfflineBanner } from './OfflineBanner';
import { LanguageMenu, ThemeToggle } from './Preferences';
import classes from './Shell.module.css';

const PAGES = [
  { to: '/', label: 'nav.overview', icon: IconLayoutDashboard },
  { to: '/monitoring', label: 'nav.monitoring', icon: IconActivityHeartbeat },
] as const;

/** What every page stands in: the bar on top, and on a phone the tabs at the bottom. */
export function Shell() {
  const { t } = useTranslation();
  const state = useLiveState(live.predictions);
  return (
    <AppShell
      header={{ height: 60 }}
      footer={{ height: { base: 58, sm: 0 } }}
      padding={{ base: 'md', sm: 'xl' }}
    >
      <LiveBridge />
      <a href="#main" className="skip-link">
        {t('nav.skip')}
      </a>
      <AppShell.Header className={classes.header}>
        <Container size={1440} h="100%" px={{ base: 'md', sm: 'xl' }}>
          <Group h="100%" gap="md" wrap="nowrap">
            <Link to="/" className={classes.brand} aria-label="Stock MLOps">
              <img src="/favicon.svg" width={28} height={28} alt="" />
              <Text fw={700} visibleFrom="lg">
                Stock MLOps
              </Text>
            </Link>
            <Group component="nav" gap={4} wrap="nowrap" visibleFrom="sm" aria-label={t('nav.label')}>
              <PageLinks className={classes.link} />
            </Group>
            <div className={classes.search}>
              <InstrumentSearch />
            </div>
            <Group gap="sm" wrap="nowrap" ml="auto">
              <MarketClock />
              <LiveBadge state={state} />
              <Group gap={0} wrap="nowrap">
                <ThemeToggle />
                <LanguageMenu />
              </Group>
            </Group>
          </Group>
        </Container>
      </AppShell.Header>
      <AppShell.Main id="main">
        <Container size={1440} px={0}>
          <OfflineBanner />
          <Outlet />
        </Container>
      </AppShell.Main>
      <AppShell.Footer hiddenFrom="sm" className={classes.footer}>
        <nav className={classes.tabs} aria-label={t('nav.label')}>
          <PageLinks className={classes.tab} />
        </nav>
      </AppShell.Footer>
    </AppShell>
  );
}

function PageLinks({ className }: { className: string | undefined }) {
  const { t } = useTranslation();
  return PAGES.map(({ to, label, icon: Icon }) => (
    <Link key={to} to={to} className={className} activeOptions={{ exact: to === '/' }}>
      <Icon size={18} aria-hidden />
      {t(label)}
    </Link>
  ));
}
