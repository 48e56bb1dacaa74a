import { Button } from '@mantine/core';
import { IconMapQuestion } from '@tabler/icons-react';
import { Link, useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState, PageProblem } from '@/shared/ui/States';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={<IconMapQuestion size={26} />}
      title={t('notFound.title')}
      action={
        <Button renderRoot={(props) => <Link to="/" {...props} />} mt="sm">
          {t('error.home')}
        </Button>
      }
    >
      {t('notFound.detail')}
    </EmptyState>
  );
}

/** A page that threw, or whose bundle did not load (a release meanwhile, or no network). */
export function RouteProblem({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <PageProblem
      error={error}
      onRetry={() => {
        reset();
        void router.invalidate();
      }}
    />
  );
}
