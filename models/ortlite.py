"""A few calls of the ONNX Runtime C API through ctypes: enough to run a network from Python.

For calibration and for looking at a network; the product runs networks from C. The API table only
ever grows at its end, so the slots below hold for every 1.x library.
"""
import ctypes as C

import numpy as np

API_VERSION = 12
SLOT = dict(
    GetErrorMessage=2, CreateEnv=3, CreateSessionFromArray=8, Run=9, CreateSessionOptions=10,
    SetIntraOpNumThreads=24,
    SessionGetInputCount=30, SessionGetOutputCount=31, SessionGetInputName=36, SessionGetOutputName=37,
    CreateTensorWithDataAsOrtValue=49, GetTensorMutableData=51, GetTensorElementType=60,
    GetDimensionsCount=61, GetDimensions=62, GetTensorTypeAndShape=65, CreateCpuMemoryInfo=69,
    GetAllocatorWithDefaultOptions=78, ReleaseStatus=93, ReleaseSession=95, ReleaseValue=96,
    ReleaseTensorTypeAndShapeInfo=99, ReleaseSessionOptions=100,
)
NO_STATUS = {"GetErrorMessage", "ReleaseStatus", "ReleaseSession", "ReleaseValue",
             "ReleaseTensorTypeAndShapeInfo", "ReleaseSessionOptions"}
NP = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 11: np.float64}
ELEMENT = {np.dtype(v): k for k, v in NP.items()}


class _Base(C.Structure):
    _fields_ = [("GetApi", C.CFUNCTYPE(C.c_void_p, C.c_uint32)),
                ("GetVersionString", C.CFUNCTYPE(C.c_char_p))]


class Runtime:
    def __init__(self, library):
        self.lib = C.CDLL(library)
        self.lib.OrtGetApiBase.restype = C.POINTER(_Base)
        base = self.lib.OrtGetApiBase().contents
        self.version = base.GetVersionString().decode()
        table = base.GetApi(API_VERSION)
        if not table:
            raise OSError("%s offers no API version %d" % (library, API_VERSION))
        self.table = C.cast(table, C.POINTER(C.c_void_p))
        self.env = C.c_void_p()
        self.call("CreateEnv", C.c_int(3), b"tools", C.byref(self.env))
        self.memory, self.allocator = C.c_void_p(), C.c_void_p()
        self.call("CreateCpuMemoryInfo", C.c_int(1), C.c_int(0), C.byref(self.memory))
        self.call("GetAllocatorWithDefaultOptions", C.byref(self.allocator))

    def call(self, name, *args):
        restype = C.c_char_p if name == "GetErrorMessage" else C.c_void_p
        got = C.CFUNCTYPE(restype)(self.table[SLOT[name]])
        got.argtypes = None
        result = C.cast(got, C.CFUNCTYPE(restype, *[_ctype(a) for a in args]))(*args)
        if name not in NO_STATUS and result:
            message = self.call("GetErrorMessage", C.c_void_p(result)).decode()
            self.call("ReleaseStatus", C.c_void_p(result))
            raise RuntimeError("%s: %s" % (name, message))
        return result


def _ctype(a):
    if isinstance(a, bytes):
        return C.c_char_p
    if isinstance(a, (C.c_void_p, C.c_int, C.c_size_t)):
        return type(a)
    return C.c_void_p


class Session:
    """A network, given as the bytes of its ONNX file."""

    def __init__(self, runtime, network, threads=1):
        self.rt = r = runtime
        opts = C.c_void_p()
        r.call("CreateSessionOptions", C.byref(opts))
        r.call("SetIntraOpNumThreads", opts, C.c_int(threads))
        self.handle = C.c_void_p()
        r.call("CreateSessionFromArray", r.env, network, C.c_size_t(len(network)), opts, C.byref(self.handle))
        r.call("ReleaseSessionOptions", opts)
        self.inputs, self.outputs = self._names("Input"), self._names("Output")

    def _names(self, side):
        n = C.c_size_t()
        self.rt.call("SessionGet%sCount" % side, self.handle, C.byref(n))
        out = []
        for i in range(n.value):
            s = C.c_char_p()
            self.rt.call("SessionGet%sName" % side, self.handle, C.c_size_t(i),
                         self.rt.allocator, C.byref(s))
            out.append(s.value)
        return out

    def run(self, x):
        """Feed one array to the first input; return {output name: array}."""
        r, x = self.rt, np.ascontiguousarray(x)
        shape = (C.c_int64 * x.ndim)(*x.shape)
        value = C.c_void_p()
        r.call("CreateTensorWithDataAsOrtValue", r.memory, x.ctypes.data_as(C.c_void_p),
               C.c_size_t(x.nbytes), C.cast(shape, C.c_void_p), C.c_size_t(x.ndim),
               C.c_int(ELEMENT[x.dtype]), C.byref(value))
        n = len(self.outputs)
        ins, vals = (C.c_char_p * 1)(self.inputs[0]), (C.c_void_p * 1)(value)
        outs, got = (C.c_char_p * n)(*self.outputs), (C.c_void_p * n)()
        try:
            r.call("Run", self.handle, C.c_void_p(), C.cast(ins, C.c_void_p), C.cast(vals, C.c_void_p),
                   C.c_size_t(1), C.cast(outs, C.c_void_p), C.c_size_t(n), C.cast(got, C.c_void_p))
        finally:
            r.call("ReleaseValue", value)
        return {self.outputs[i].decode(): self._array(C.c_void_p(got[i])) for i in range(n)}

    def _array(self, value):
        r, info, kind, nd, data = self.rt, C.c_void_p(), C.c_int(), C.c_size_t(), C.c_void_p()
        r.call("GetTensorTypeAndShape", value, C.byref(info))
        r.call("GetTensorElementType", info, C.byref(kind))
        r.call("GetDimensionsCount", info, C.byref(nd))
        dims = (C.c_int64 * max(nd.value, 1))()
        r.call("GetDimensions", info, C.cast(dims, C.c_void_p), nd)
        r.call("ReleaseTensorTypeAndShapeInfo", info)
        shape, dtype = tuple(dims[:nd.value]), np.dtype(NP[kind.value])
        count = int(np.prod(shape)) if shape else 1
        r.call("GetTensorMutableData", value, C.byref(data))
        out = np.zeros(shape, dtype)
        if count:
            C.memmove(out.ctypes.data, data, count * dtype.itemsize)
        r.call("ReleaseValue", value)
        return out

    def close(self):
        if self.handle:
            self.rt.call("ReleaseSession", self.handle)
            self.handle = None
