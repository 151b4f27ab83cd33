using DeepEdu.Devices;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>Labels as vectors.</summary>
public static class OneHots
{
    extension(Indices labels)
    {
        /// <summary>1 at each label's class, 0 elsewhere: [..] to [.., classes].</summary>
        /// <exception cref="ArgumentOutOfRangeException">A label lies outside 0..classes − 1.</exception>
        public Tensor OneHot(int classes, Device? device = null)
        {
            ArgumentNullException.ThrowIfNull(labels);
            ArgumentOutOfRangeException.ThrowIfNegative(classes);
            labels.CheckBelow("one-hot", classes);
            var y = Tensor.Zeros([.. labels.Shape, classes], device);
            y.Device.Launch(new Gathering.ScatterAddKernel(Tensor.Ones(labels.Shape, device).View, labels, y.View, labels.Size, classes, 1, 1));
            return y;
        }
    }
}
