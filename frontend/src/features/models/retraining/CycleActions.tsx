import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconCheck, IconPlayerPlay, IconPlayerStop, IconPlayerTrackNext } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/api/access';
import { useStartFlow } from '@/api/flows';
import {
  useApproveRetraining,
  useCancelRetraining,
  useStartRetraining,
  type Retraining,
} from '@/api/retraining';
import { useFieldErrors } from '@/shared/form/useFieldErrors';
import { ConfirmDialog } from '@/shared/ui/ConfirmDialog';
import { ProblemAlert } from '@/shared/ui/States';
import { canCancel } from './cycle';

/** The flow that takes retrainings on; it runs by itself every few minutes. */
const FLOW = 'retraining';

/** What a person can decide about one that is under way. */
export function CycleActions({ retraining }: { retraining: Retraining }) {
  const { t } = useTranslation();
  const approve = useApproveRetraining();
  const advance = useStartFlow();
  const [cancelling, setCancelling] = useState(false);
  const allowed = useMay('write');
  const proposed = retraining.state === 'proposed';
  const title = allowed ? undefined : t('access.operatorsOnly');
  return (
    <Stack gap="xs" align="flex-end">
      <Group gap="xs">
        {canCancel(retraining.state) && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerStop size={14} />}
            disabled={!allowed}
            title={title}
            onClick={() => {
              setCancelling(true);
            }}
            data-testid="retraining-cancel"
          >
            {t(proposed ? 'retraining.decline.button' : 'retraining.cancel.button')}
          </Button>
        )}
        {proposed ? (
          <Button
            size="xs"
            leftSection={<IconCheck size={14} />}
            disabled={!allowed}
            title={title}
            loading={approve.isPending}
            onClick={() => {
              approve.mutate(retraining.id);
            }}
            data-testid="retraining-approve"
          >
            {t('retraining.approve')}
          </Button>
        ) : (
          <Button
            size="xs"
            variant="light"
            leftSection={<IconPlayerTrackNext size={14} />}
            disabled={!allowed}
            title={title ?? t('retraining.advance.hint')}
            loading={advance.isPending}
            onClick={() => {
              advance.mutate(FLOW);
            }}
            data-testid="retraining-advance"
          >
            {t('retraining.advance.button')}
          </Button>
        )}
      </Group>
      {approve.isError && <ProblemAlert error={approve.error} />}
      {advance.isError && <ProblemAlert error={advance.error} />}
      {advance.isSuccess && (
        <Text fz="xs" className="muted" role="status">
          {t('retraining.advance.begun')}
        </Text>
      )}
      {cancelling && (
        <CancelDialog
          retraining={retraining}
          onClose={() => {
            setCancelling(false);
          }}
        />
      )}
    </Stack>
  );
}

function CancelDialog({ retraining, onClose }: { retraining: Retraining; onClose: () => void }) {
  const { t } = useTranslation();
  const cancel = useCancelRetraining();
  const [reason, setReason] = useState('');
  const errors = useFieldErrors(cancel.error, ['reason']);
  const what = retraining.state === 'proposed' ? 'decline' : 'cancel';
  return (
    <ConfirmDialog
      title={t(`retraining.${what}.title`)}
      confirm={t(`retraining.${what}.button`)}
      pending={cancel.isPending}
      error={cancel.error}
      errors={errors}
      onCancel={onClose}
      onConfirm={() => {
        cancel.mutate({ id: retraining.id, reason }, { onSuccess: onClose });
      }}
    >
      <Stack gap="sm">
        <Text fz="sm">
          {t(retraining.state === 'probation' ? 'retraining.cancel.serving' : 'retraining.cancel.detail')}
        </Text>
        <ReasonInput value={reason} error={errors.fields.reason} onChange={setReason} />
      </Stack>
    </ConfirmDialog>
  );
}

/** Starts one by hand, whatever the triggers say. */
export function StartRetraining({ modelId }: { modelId: string }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  const start = useStartRetraining(modelId);
  const errors = useFieldErrors(start.error, ['reason']);
  const [reason, setReason] = useState('');
  const allowed = useMay('write');
  const close = () => {
    setOpened(false);
    start.reset();
  };
  return (
    <>
      <Button
        size="xs"
        variant="light"
        flex="none"
        leftSection={<IconPlayerPlay size={14} />}
        disabled={!allowed}
        title={allowed ? undefined : t('access.operatorsOnly')}
        onClick={() => {
          setOpened(true);
        }}
        data-testid="retraining-start"
      >
        {t('retraining.start.button')}
      </Button>
      {opened && (
        <ConfirmDialog
          title={t('retraining.start.title')}
          confirm={t('retraining.start.button')}
          dangerous={false}
          pending={start.isPending}
          error={start.error}
          errors={errors}
          onCancel={close}
          onConfirm={() => {
            start.mutate(reason, { onSuccess: close });
          }}
        >
          <Stack gap="sm">
            <Text fz="sm">{t('retraining.start.detail')}</Text>
            <ReasonInput value={reason} error={errors.fields.reason} onChange={setReason} />
          </Stack>
        </ConfirmDialog>
      )}
    </>
  );
}

interface ReasonInputProps {
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}

function ReasonInput({ value, error, onChange }: ReasonInputProps) {
  const { t } = useTranslation();
  return (
    <TextInput
      label={t('modelDetail.reason')}
      description={t('modelDetail.reasonHint')}
      value={value}
      error={error}
      onChange={(event) => {
        onChange(event.currentTarget.value);
      }}
      data-autofocus
      data-testid="retraining-reason"
    />
  );
}
