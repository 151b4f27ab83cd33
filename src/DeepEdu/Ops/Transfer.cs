using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>From one device to another.</summary>
public static class Transfer
{
    extension(Tensor x)
    {
        /// <summary>The same values on another device; this very tensor if it is there already. The gradient comes back the same way. PyTorch's <c>x.to(device)</c>.</summary>
        /// <exception cref="ArgumentNullException">No device.</exception>
        public Tensor To(Device device)
        {
            ArgumentNullException.ThrowIfNull(x);
            ArgumentNullException.ThrowIfNull(device);
            if (x.Device == device) { return x; }
            var y = Move(x, device);
            Tape.For(x)?.AddRecordable(y, (x, dy => dy.To(x.Device)));
            return y;
        }
    }

    private static Tensor Move(Tensor x, Device device)
    {
        if (x.Device is CpuDevice) { return Tensor.Of(x.Shape, x.AsSpan(), device); }
        if (device is not CpuDevice) { return Tensor.Of(x.Shape, x.ToArray(), device); }
        var y = Tensor.Empty(x.Shape);
        x.Device.Read(x.View, y.AsSpan());
        return y;
    }
}
