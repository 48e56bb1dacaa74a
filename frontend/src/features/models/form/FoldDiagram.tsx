import { Alert, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/shared/format/useFormat';
import classes from './FoldDiagram.module.css';
import { minimumLength, splitHistory, type Window } from './folds';
import type { ModelForm } from './formState';
import type { History } from './history';

/** Most windows that are worth a line each. */
const MOST = 12;

/** Which part of the history each test window is judged on, and what is trained on for it. */
export function FoldDiagram({ form, history }: { form: ModelForm; history: History }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { folds, horizon, embargo } = form;
  if (typeof folds !== 'number' || typeof horizon !== 'number' || typeof embargo !== 'number') return null;
  if (folds < 2 || folds > 50 || horizon < 1 || embargo < 0) return null;
  const validation = { folds, horizon, embargo, scheme: form.scheme };
  const found = splitHistory(history.sessions, validation);
  if (found.length === 0) {
    return (
      <Alert color="yellow" role="status">
        {t('modelForm.validation.tooShort', {
          sessions: format.integer(history.sessions),
          needed: format.integer(minimumLength(validation)),
        })}
      </Alert>
    );
  }
  const place = ([start, end]: Window) => ({
    left: `${((start / history.sessions) * 100).toFixed(2)}%`,
    width: `${(((end - start) / history.sessions) * 100).toFixed(2)}%`,
  });
  return (
    <Stack gap={6}>
      <div
        role="img"
        aria-label={t('modelForm.validation.diagram', { count: folds, sessions: history.sessions })}
        data-testid="fold-diagram"
      >
        {found.slice(-MOST).map((fold) => (
          <div key={fold.test[0]} className={classes.row}>
            {fold.train.map((train) => (
              <span key={train[0]} className={classes.train} style={place(train)} />
            ))}
            <span className={classes.test} style={place(fold.test)} />
          </div>
        ))}
      </div>
      <Group justify="space-between" gap="xs">
        <Text fz="xs" className="muted">
          {format.session(history.first)}
        </Text>
        <Group gap="md">
          <Text fz="xs">
            <span className={classes.trainKey} aria-hidden /> {t('modelForm.validation.train')}
          </Text>
          <Text fz="xs">
            <span className={classes.testKey} aria-hidden /> {t('modelForm.validation.test')}
          </Text>
        </Group>
        <Text fz="xs" className="muted">
          {format.session(history.last)}
        </Text>
      </Group>
    </Stack>
  );
}
