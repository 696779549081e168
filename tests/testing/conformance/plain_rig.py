"""An adapter that can do nothing but send short plain texts, whose length it counts in bytes."""

from __future__ import annotations

from dataclasses import replace

from hermes_trio.adapter_api import Capabilities, TextUnit
from hermes_trio.testing.loopback.adapter import LoopbackAdapter, make_adapter
from hermes_trio.testing.loopback.rig import LoopbackRig


class PlainAdapter(LoopbackAdapter):
    capabilities = Capabilities(text_limit=280, text_unit=TextUnit.BYTES, requires_mention=False)

    async def send(self, target, text):
        assert text.formatted is None
        assert len(text.text.encode()) <= self.capabilities.text_limit
        return await super().send(target, replace(text, idempotency_key=""))


class PlainRig(LoopbackRig):
    packages = (__name__,)
    capabilities = PlainAdapter.capabilities

    @property
    def factory(self):
        def make(scope, config):
            made = make_adapter(scope, config)
            return PlainAdapter(scope, made._url, made._token)

        return make
