using System.Collections.Concurrent;
using System.Reflection;
using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Gpu;

/// <summary>A kernel that has no body on an accelerator, run on the processor: its views are copied there and back.</summary>
internal static class Processor
{
    private static readonly ConcurrentDictionary<Type, FieldInfo[]> s_fields = new();
    private static readonly ConcurrentDictionary<Type, bool> s_views = new();

    public static void Run<K>(GpuDevice device, K kernel) where K : struct, IKernel
    {
        device.OnHost(K.Name);
        object boxed = kernel;
        Shadows shadows = new(device);
        shadows.Move(boxed);
        ((K)boxed).Run();
        shadows.WriteBack();
    }

    // what lies on the device, here
    private sealed class Shadows(GpuDevice device)
    {
        private readonly Dictionary<Block, CpuBlock> _blocks = [];
        private readonly List<(View There, View Here)> _pairs = [];

        public void Move(object owner)
        {
            foreach (var field in Fields(owner.GetType()))
            {
                object? value = field.GetValue(owner);
                if (value is View view) { field.SetValue(owner, Of(view)); }
                else if (value is View[] views) { field.SetValue(owner, Array.ConvertAll(views, Of)); }
                else if (value is not null && HasViews(field.FieldType))
                {
                    Move(value);
                    field.SetValue(owner, value);
                }
            }
        }

        public void WriteBack()
        {
            foreach (var (there, here) in _pairs) { device.Write(CpuDevice.Of(here), there); }
        }

        private View Of(View view)
        {
            if (view.IsNone || view.Block is not GpuBlock) { return view; }
            if (!_blocks.TryGetValue(view.Block, out var block)) { _blocks[view.Block] = block = new(view.Block.Capacity, pinned: false); }
            View here = new(block, view.Offset, view.Length);
            device.Read(view, CpuDevice.Of(here));
            _pairs.Add((view, here));
            return here;
        }
    }

    // a view, views, or a struct with some somewhere in it
    private static bool HasViews(Type type) => type == typeof(View) || type == typeof(View[]) || (type is { IsValueType: true, IsPrimitive: false, IsEnum: false } && s_views.GetOrAdd(type, t => Array.Exists(Fields(t), f => f.FieldType != t && HasViews(f.FieldType))));

    private static FieldInfo[] Fields(Type type) => s_fields.GetOrAdd(type, t => t.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic));
}
