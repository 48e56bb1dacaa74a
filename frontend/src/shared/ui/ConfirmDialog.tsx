import { Button, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { FormErrors } from '@/shared/form/fieldErrors';
import { FormProblem } from '@/shared/form/FormProblem';
import { Dialog } from './Dialog';

const NONE: FormErrors<string> = { fields: {}, rest: [] };

interface ConfirmDialogProps {
  title: string;
  /** what will happen */
  children: ReactNode;
  /** the button's text: the deed, not "OK" */
  confirm: string;
  /** false for what can be undone */
  dangerous?: boolean;
  pending: boolean;
  error: unknown;
  /** what of the error the dialog's own fields say already */
  errors?: FormErrors<string>;
  onCancel: () => void;
  onConfirm: () => void;
}

/** Asks before something is done that cannot be undone. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { t } = useTranslation();
  return (
    <Dialog onClose={props.onCancel} title={props.title} data-testid="confirm">
      <Stack>
        <Text component="div" fz="sm">
          {props.children}
        </Text>
        <FormProblem error={props.error} errors={props.errors ?? NONE} />
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onCancel}>
            {t('action.cancel')}
          </Button>
          <Button
            color={props.dangerous === false ? undefined : 'red'}
            loading={props.pending}
            onClick={props.onConfirm}
            data-testid="confirm-button"
          >
            {props.confirm}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
