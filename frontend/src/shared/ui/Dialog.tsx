import { Modal, type ModalProps } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useFocusBack } from './useFocusBack';

type DialogProps = Omit<ModalProps, 'opened' | 'returnFocus' | 'closeButtonProps'>;

/** A dialog that is open as long as it is rendered, and then leaves the focus where it was before. */
export function Dialog(props: DialogProps) {
  const { t } = useTranslation();
  useFocusBack();
  return (
    <Modal
      opened
      centered
      returnFocus={false}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      {...props}
    />
  );
}
