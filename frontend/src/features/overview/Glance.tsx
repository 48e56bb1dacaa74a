import { SimpleGrid } from '@mantine/core';
import { IconBell, IconDatabase, IconServer, IconStack2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { datasetsQuery } from '@/api/datasets';
import { healthQuery, queuesQuery } from '@/api/system';
import { useFormat } from '@/shared/format/useFormat';
import classes from './Glance.module.css';
import { GlanceTile } from './GlanceTile';
import { useSayAlert } from '@/features/alerts/useAlertText';
import { useOpenAlerts } from '@/features/alerts/useOpenAlerts';

/** The platform's state in four figures, each the way to its page. */
export function Glance() {
  return (
    <SimpleGrid cols={{ base: 2, lg: 4 }} spacing={{ base: 'sm', sm: 'lg' }}>
      <Link to="/datasets" className={classes.link}>
        <Data />
      </Link>
      <Link to="/monitoring" className={classes.link}>
        <Services />
      </Link>
      <Link to="/monitoring" search={{ tab: 'alerts' }} className={classes.link}>
        <Alerts />
      </Link>
      <Link to="/models" className={classes.link}>
        <Jobs />
      </Link>
    </SimpleGrid>
  );
}

function Data() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = useQuery(datasetsQuery());
  const behind = data?.filter((item) => !item.fresh).length ?? 0;
  return (
    <GlanceTile
      label={t('glance.data')}
      icon={<IconDatabase size={20} />}
      value={data && t('glance.stocks', { value: format.integer(data.length), count: data.length })}
      detail={behind === 0 ? t('glance.fresh') : t('glance.behind', { count: behind })}
      tone={behind === 0 ? 'good' : 'warn'}
      testId="glance-data"
    />
  );
}

function Services() {
  const { t } = useTranslation();
  const { data, isError } = useQuery(healthQuery());
  const down = data?.services.filter((item) => !item.ok) ?? [];
  const all = data?.services.length ?? 0;
  const value = isError
    ? t('glance.unreachable')
    : data && t('services.count', { up: all - down.length, all });
  return (
    <GlanceTile
      label={t('services.title')}
      icon={<IconServer size={20} />}
      value={value}
      detail={isError || down.length > 0 ? down.map((item) => item.name).join(', ') : t('glance.allAnswer')}
      tone={isError || down.length > 0 ? 'bad' : 'good'}
      testId="glance-services"
    />
  );
}

function Alerts() {
  const { t } = useTranslation();
  const { data, isError } = useOpenAlerts();
  const say = useSayAlert();
  const count = data?.length;
  const newest = data?.[0];
  return (
    <GlanceTile
      label={t('alerts.title')}
      icon={<IconBell size={20} />}
      value={
        isError ? t('glance.unreachable') : count === undefined ? undefined : t('glance.open', { count })
      }
      detail={isError ? '' : newest ? say(newest).title : t('glance.quiet')}
      tone={count ? 'warn' : 'good'}
      testId="glance-alerts"
    />
  );
}

function Jobs() {
  const { t } = useTranslation();
  const { data } = useQuery(queuesQuery());
  const total = (read: (queue: { pending: number; running: number }) => number) =>
    data?.reduce((sum, queue) => sum + read(queue), 0) ?? 0;
  const waiting = total((queue) => queue.pending);
  const workers = data?.reduce((sum, queue) => sum + queue.workers.length, 0) ?? 0;
  return (
    <GlanceTile
      label={t('glance.jobs')}
      icon={<IconStack2 size={20} />}
      value={data && t('glance.running', { count: total((queue) => queue.running) })}
      detail={t('glance.waiting', { waiting, workers })}
      tone={data && workers === 0 ? 'bad' : 'plain'}
      testId="glance-jobs"
    />
  );
}
