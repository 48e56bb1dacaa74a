import { Button, Text } from '@mantine/core';
import { IconCopy, IconPlayerPlay, IconPlayerStop, IconTrash } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import {
  isAtWork,
  useCancelSimulation,
  useDeleteSimulation,
  useResumeSimulation,
  type Simulation,
} from '@/api/simulations';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';
import { ProblemAlert } from '@/shared/ui/States';

const route = getRouteApi('/simulations/$simulationId');

/** What an operator can do with a simulation, by its state. */
export function SimulationActions({ simulation }: { simulation: Simulation }) {
  const { t } = useTranslation();
  const { simulation_id: id, state } = simulation;
  const allowed = useMay('write');
  const resume = useResumeSimulation(id);
  const [asked, setAsked] = useState<'cancel' | 'delete' | null>(null);
  const interrupted = state === 'paused' || state === 'failed';
  const rights = { disabled: !allowed, title: allowed ? undefined : t('access.operatorsOnly') };
  const close = () => {
    setAsked(null);
  };
  return (
    <>
      {interrupted && (
        <Button
          {...rights}
          leftSection={<IconPlayerPlay size={16} />}
          loading={resume.isPending}
          onClick={() => {
            resume.mutate();
          }}
          data-testid="simulation-resume"
        >
          {t('simulation.resume')}
        </Button>
      )}
      {(isAtWork(state) || interrupted) && (
        <Button
          {...rights}
          variant="default"
          leftSection={<IconPlayerStop size={16} />}
          onClick={() => {
            setAsked('cancel');
          }}
          data-testid="simulation-cancel"
        >
          {t('simulation.cancel.button')}
        </Button>
      )}
      {!isAtWork(state) && (
        <>
          <Button
            variant="default"
            leftSection={<IconCopy size={16} />}
            renderRoot={(props) => <Link to="/simulations" search={{ start: true, like: id }} {...props} />}
          >
            {t('simulation.again')}
          </Button>
          <Button
            {...rights}
            variant="light"
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() => {
              setAsked('delete');
            }}
            data-testid="simulation-delete"
          >
            {t('action.delete')}
          </Button>
        </>
      )}
      {resume.isError && <ProblemAlert error={resume.error} />}
      {asked === 'cancel' && <CancelDialog id={id} onClose={close} />}
      {asked === 'delete' && <DeleteDialog id={id} onClose={close} />}
    </>
  );
}

interface DialogProps {
  id: string;
  onClose: () => void;
}

function CancelDialog({ id, onClose }: DialogProps) {
  const { t } = useTranslation();
  const cancel = useCancelSimulation(id);
  return (
    <ConfirmDialog
      title={t('simulation.cancel.title')}
      confirm={t('simulation.cancel.button')}
      pending={cancel.isPending}
      error={cancel.error}
      onCancel={onClose}
      onConfirm={() => {
        cancel.mutate(undefined, { onSuccess: onClose });
      }}
    >
      <Text fz="sm">{t('simulation.cancel.detail')}</Text>
    </ConfirmDialog>
  );
}

function DeleteDialog({ id, onClose }: DialogProps) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const remove = useDeleteSimulation(id);
  return (
    <ConfirmDialog
      title={t('simulation.delete.title')}
      confirm={t('action.delete')}
      pending={remove.isPending}
      error={remove.error}
      onCancel={onClose}
      onConfirm={() => {
        remove.mutate(undefined, {
          onSuccess: () => {
            void navigate({ to: '/simulations', search: {} });
          },
        });
      }}
    >
      <Text fz="sm">{t('simulation.delete.detail')}</Text>
    </ConfirmDialog>
  );
}
